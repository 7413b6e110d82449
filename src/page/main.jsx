import { render } from 'preact';
import './page.css';

render(<h1>Nodes</h1>, document.getElementById('page'));
